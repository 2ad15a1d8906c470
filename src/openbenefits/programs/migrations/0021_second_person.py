from django.db import migrations

RELEASES = """
CREATE FUNCTION programs_keep_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.bundle_id, OLD.number, OLD.fingerprint, OLD.document, OLD.applied_at, OLD.applied_by)
        IS DISTINCT FROM
       (NEW.bundle_id, NEW.number, NEW.fingerprint, NEW.document, NEW.applied_at, NEW.applied_by) THEN
        RAISE EXCEPTION 'a release of set-up is kept as it was applied' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER release_kept BEFORE UPDATE OR DELETE ON programs_release
    FOR EACH ROW EXECUTE FUNCTION programs_keep_release();

CREATE FUNCTION programs_check_bundle() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mark text;
    at timestamptz;
BEGIN
    IF OLD.release_id IS NOT DISTINCT FROM NEW.release_id OR NOT accounts_release_wants(OLD.release_id, 'setup') THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(taken_back_at, (SELECT applied_at FROM programs_release WHERE id = NEW.release_id))
    INTO at FROM programs_release WHERE id = OLD.release_id;
    SELECT fingerprint INTO mark FROM programs_release WHERE id = NEW.release_id;
    IF NOT accounts_is_approved(NEW.client_id, 'setup', 'bundle ' || NEW.code,
                                accounts_digest(ARRAY[coalesce(mark, '')]), at) THEN
        RAISE EXCEPTION 'an approval by another person was expected for set-up of bundle %, found none', NEW.code
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER release_by_a_second_person AFTER UPDATE OF release_id ON programs_bundle
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION programs_check_bundle();
"""


class Migration(migrations.Migration):
    """Set-up put into force waits for a second person where the client wants one; releases are kept."""

    dependencies = [
        ("programs", "0020_full_cost"),
        ("accounts", "0003_approvals"),
    ]

    operations = [migrations.RunSQL(RELEASES, migrations.RunSQL.noop)]
