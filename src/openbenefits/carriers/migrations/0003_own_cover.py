"""What an employee may read of carrier files: how far his own cover has come, and nothing else of them."""

from django.db import migrations

VIEW = """
CREATE VIEW carriers_owncover WITH (security_barrier = true) AS
WITH mine AS (
    SELECT string_to_array(
        nullif(current_setting('openbenefits.persons', true), '*'), ','
    )::bigint[] AS persons
)
SELECT l.client_id, l.person_id, l.dependent_id, l.plan_type, l.action, l.plan,
       f.built_at AS said_at,
       (SELECT min(a.made_at) FROM carriers_fileact AS a WHERE a.file_id = f.id AND a.state = 'sent') AS sent_at,
       CASE WHEN l.verdict IN ('accepted', 'warned') THEN l.answered_at END AS confirmed_at,
       coalesce(l.verdict IN ('refused', 'missing there', 'different'), false)
           OR coalesce(s.code NOT IN ('A', 'E'), false)
           OR f.state IN ('not read', 'rejected') AS is_refused
FROM carriers_fileline AS l
JOIN carriers_carrierfile AS f ON f.id = l.file_id
LEFT JOIN carriers_fileset AS s ON s.file_id = l.file_id AND s.set = l.set
WHERE l.person_id = ANY((SELECT persons FROM mine)::bigint[]) AND l.line <> ''
  AND l.kind NOT IN ('loss', 'contribution', 'premium')
  AND f.state NOT IN ('withdrawn', 'invalid') AND f.kind <> 'portal'
UNION ALL
SELECT e.client_id, e.person_id, e.dependent_id, e.line, e.action, e.plan,
       e.opened_at, e.done_at, NULL, false
FROM carriers_portalentry AS e
WHERE e.person_id = ANY((SELECT persons FROM mine)::bigint[]) AND e.is_net
"""


class Migration(migrations.Migration):
    dependencies = [("carriers", "0002_providers_and_values")]

    operations = [migrations.RunSQL(VIEW, "DROP VIEW carriers_owncover")]
