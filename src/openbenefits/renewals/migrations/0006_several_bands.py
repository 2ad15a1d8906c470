from django.db import migrations, models

from openbenefits.core.codes import AreaOf

ONE_RATE = models.UniqueConstraint(fields=("rate_group", "tier", "bands"), name="renewals_one_rate")
ONE_COUNT = models.UniqueConstraint(fields=("offer", "tier", "bands"), name="renewals_one_count")

# Rates by bands: any other edge than the one 0 of composite rates, or a rating area.
BANDED = """
CREATE TEMPORARY TABLE banded ON COMMIT DROP AS
SELECT g.id, g.band, g.areas FROM renewals_rategroup AS g
WHERE g.band = 'area'
   OR EXISTS (SELECT 1 FROM renewals_grouprate AS r WHERE r.rate_group_id = g.id AND r.band_from <> 0)
"""
RATES = """
UPDATE renewals_grouprate AS r
SET bands = CASE WHEN b.band = 'area' THEN jsonb_build_object('area', b.areas ->> r.band_from::text)
                 ELSE jsonb_build_object(b.band, r.band_from) END
FROM banded AS b WHERE b.id = r.rate_group_id
"""
# Numbers of people in bands that a rate group has no more are none.
STALE = """
DELETE FROM renewals_offercount AS c USING renewals_offer AS o
WHERE o.id = c.offer_id AND NOT (c.band_from = 0 AND o.rate_group_id IS NULL) AND NOT EXISTS (
    SELECT 1 FROM renewals_grouprate AS r
    WHERE r.rate_group_id = o.rate_group_id AND r.tier = c.tier AND r.band_from = c.band_from)
"""
COUNTS = """
UPDATE renewals_offercount AS c
SET bands = CASE WHEN b.band = 'area' THEN jsonb_build_object('area', b.areas ->> c.band_from::text)
                 ELSE jsonb_build_object(b.band, c.band_from) END
FROM renewals_offer AS o JOIN banded AS b ON b.id = o.rate_group_id
WHERE o.id = c.offer_id
"""
DONE = "SET CONSTRAINTS ALL IMMEDIATE"  # else tables with pending events cannot be altered


class Migration(migrations.Migration):
    dependencies = [("renewals", "0005_counts_units_and_areas")]
    operations = [
        migrations.RemoveConstraint(model_name="grouprate", name="renewals_one_rate"),
        migrations.RemoveConstraint(model_name="offercount", name="renewals_one_count"),
        migrations.AddField("grouprate", "bands", models.JSONField(default=dict)),
        migrations.AddField("offercount", "bands", models.JSONField(default=dict)),
        migrations.AddField("rategroup", "area_of", models.TextField(default=AreaOf["HOME"])),
        migrations.RunSQL([BANDED, STALE, COUNTS, RATES, DONE]),
        migrations.RemoveField("grouprate", "band_from"),
        migrations.RemoveField("offercount", "band_from"),
        migrations.RemoveField("rategroup", "band"),
        migrations.RemoveField("rategroup", "areas"),
        migrations.AddConstraint(model_name="grouprate", constraint=ONE_RATE),
        migrations.AddConstraint(model_name="offercount", constraint=ONE_COUNT),
    ]
