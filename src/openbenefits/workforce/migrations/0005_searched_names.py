from django.db import migrations

# Searches compare with ~>=~ and ~<~, which PostgreSQL trusts under row-level security: LIKE and lower() it
# does not, and reads every row first. The columns are the database's own: nobody writes them.
KEYS = """
CREATE FUNCTION workforce_search_key(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(translate(lower(said), 'áàâäãåçéèêëíìîïñóòôöõúùûüýÿ''’',
        'aaaaaaceeeeiiiinooooouuuuyy'), '[\\s,.-]+', ' ', 'g'))
$$;
ALTER TABLE workforce_personfact ADD COLUMN name_key text
    GENERATED ALWAYS AS (workforce_search_key(last_name || ' ' || first_name)) STORED;
ALTER TABLE workforce_person ADD COLUMN number_key text
    GENERATED ALWAYS AS (workforce_search_key(employee_number)) STORED;
CREATE INDEX workforce_names ON workforce_personfact (client_id, name_key text_pattern_ops);
CREATE INDEX workforce_numbers ON workforce_person (client_id, number_key text_pattern_ops);
"""
GONE = """
ALTER TABLE workforce_person DROP COLUMN number_key;
ALTER TABLE workforce_personfact DROP COLUMN name_key;
DROP FUNCTION workforce_search_key(text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("workforce", "0004_student_through"),
    ]

    operations = [migrations.RunSQL(KEYS, GONE)]
