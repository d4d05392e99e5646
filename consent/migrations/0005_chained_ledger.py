"""The ledger is chained by hash a customer, wordings get a table, and each state names the event that decides.

An event's hash is the SHA-256 of its fields as netstrings (`5:hello,`), the hash of the event before it first. A trigger
chains what is inserted, so that nothing enters the ledger unchained, whoever inserts; what is there already is chained
in the order in which it was recorded. Whoever writes holds the customer's lock (`consent/write.py`); without it the
constraint consent_events_chain lets one of two pass.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

CHAIN = r"""
ALTER TABLE consent_wordings ADD CONSTRAINT consent_wordings_sha256
    CHECK (sha256 = encode(sha256(convert_to(locale || E'\n' || text, 'UTF8')), 'hex'));

CREATE FUNCTION consent_events_hash(e consent_events) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(
        string_agg(octet_length(convert_to(part, 'UTF8')) || ':' || part || ',', '' ORDER BY number), 'UTF8')), 'hex')
    FROM unnest(ARRAY[
        e.prev_hash, e.place::text, e.id::text, e.customer_id, e.channel, e.category, e.action, e.source, e.actor,
        COALESCE(e.wording_sha256, ''), e.evidence::text,
        to_char(e.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    ]) WITH ORDINALITY AS field(part, number)
$$;

CREATE FUNCTION consent_events_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before consent_chains;
BEGIN
    SELECT * INTO before FROM consent_chains WHERE customer_id = NEW.customer_id FOR UPDATE;
    NEW.place := COALESCE(before.length, 0) + 1;
    NEW.prev_hash := COALESCE(before.head, '');
    NEW.hash := consent_events_hash(NEW);
    INSERT INTO consent_chains AS c (customer_id, length, head) VALUES (NEW.customer_id, NEW.place, NEW.hash)
        ON CONFLICT (customer_id) DO UPDATE SET length = excluded.length, head = excluded.head
        WHERE c.length = excluded.length - 1;
    RETURN NEW;
END $$;

CREATE FUNCTION consent_wordings_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a wording that people read stays as it was: record a new one instead of a %', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consent_wordings_append_only BEFORE UPDATE OR DELETE ON consent_wordings
    FOR EACH ROW EXECUTE FUNCTION consent_wordings_refuse();
"""

EXISTING = r"""
ALTER TABLE consent_events DISABLE TRIGGER consent_events_append_only;
INSERT INTO consent_wordings (sha256, locale, text, first_shown_at)
    SELECT encode(sha256(convert_to(E'und\n' || wording_text, 'UTF8')), 'hex'), 'und', wording_text, min(occurred_at)
    FROM consent_events WHERE wording_text <> '' GROUP BY wording_text;
UPDATE consent_events SET wording_sha256 = encode(sha256(convert_to(E'und\n' || wording_text, 'UTF8')), 'hex')
    WHERE wording_text <> '';
DO $$
DECLARE
    event consent_events;
    customer text := '';
    before_hash text;
    number integer;
BEGIN
    FOR event IN SELECT * FROM consent_events ORDER BY customer_id, recorded_at, occurred_at, id LOOP
        IF event.customer_id <> customer THEN
            customer := event.customer_id; number := 0; before_hash := '';
        END IF;
        number := number + 1;
        event.place := number;
        event.prev_hash := before_hash;
        before_hash := consent_events_hash(event);
        UPDATE consent_events SET place = number, prev_hash = event.prev_hash, hash = before_hash WHERE id = event.id;
    END LOOP;
END $$;
INSERT INTO consent_chains (customer_id, length, head)
    SELECT DISTINCT ON (customer_id) customer_id, place, hash FROM consent_events ORDER BY customer_id, place DESC;
UPDATE customer_consent AS c SET event_id = decisive.id FROM (
    SELECT DISTINCT ON (customer_id, channel, category) customer_id, channel, category, id
    FROM consent_events
    ORDER BY customer_id, channel, category, occurred_at DESC, (action = 'revoked') DESC, place
) AS decisive
    WHERE (c.customer_id, c.channel, c.category) = (decisive.customer_id, decisive.channel, decisive.category);
ALTER TABLE consent_events ENABLE TRIGGER consent_events_append_only;
-- The foreign keys' own checks wait for the commit, and would keep the table from being altered any further.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
CREATE TRIGGER consent_events_chained BEFORE INSERT ON consent_events
    FOR EACH ROW EXECUTE FUNCTION consent_events_chain();
"""

UNDO_EXISTING = """
DROP TRIGGER consent_events_chained ON consent_events;
ALTER TABLE consent_events DISABLE TRIGGER consent_events_append_only;
UPDATE consent_events SET wording_text = w.text FROM consent_wordings AS w WHERE w.sha256 = wording_sha256;
ALTER TABLE consent_events ENABLE TRIGGER consent_events_append_only;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
UNDO_CHAIN = """
DROP TRIGGER consent_wordings_append_only ON consent_wordings;
DROP FUNCTION consent_wordings_refuse();
DROP FUNCTION consent_events_chain();
DROP FUNCTION consent_events_hash(consent_events);
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_ledger_by_date")]

    operations = [
        migrations.CreateModel(
            name='ConsentChain',
            fields=[
                ('customer_id', models.TextField(primary_key=True, serialize=False)),
                ('length', models.PositiveIntegerField()),
                ('head', models.TextField(help_text='Hash of the last event')),
            ],
            options={
                'verbose_name': 'chain of consent events',
                'verbose_name_plural': 'chains of consent events',
                'db_table': 'consent_chains',
            },
        ),
        migrations.CreateModel(
            name='ConsentWording',
            fields=[
                ('sha256', models.TextField(editable=False, help_text='Of the language, a line feed and the text', primary_key=True, serialize=False)),
                ('locale', models.TextField(help_text='BCP 47; «und» where nobody noted it')),
                ('text', models.TextField()),
                ('first_shown_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name': 'wording',
                'verbose_name_plural': 'wordings',
                'db_table': 'consent_wordings',
            },
        ),
        migrations.RemoveConstraint(model_name='consentevent', name='consent_events_action'),
        migrations.RenameField(model_name='consentevent', old_name='wording', new_name='wording_text'),
        migrations.AddField(
            model_name='consentevent',
            name='wording',
            field=models.ForeignKey(blank=True, db_column='wording_sha256', db_index=False, help_text='The exact text the person read when deciding', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consent.consentwording'),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='hash',
            field=models.TextField(default='', editable=False),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='place',
            field=models.PositiveIntegerField(default=0, editable=False, help_text="In the customer's chain, from 1"),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='prev_hash',
            field=models.TextField(blank=True, default='', editable=False, help_text='Hash of the event before it'),
        ),
        migrations.AddField(
            model_name='customerconsent',
            name='event',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consent.consentevent', verbose_name='deciding event'),
        ),
        migrations.RunSQL(CHAIN, UNDO_CHAIN),
        migrations.RunSQL(EXISTING, UNDO_EXISTING),
        migrations.RemoveField(model_name='consentevent', name='wording_text'),
        migrations.AlterField(
            model_name='consentevent',
            name='action',
            field=models.TextField(choices=[('granted', 'Granted'), ('revoked', 'Revoked'), ('requested', 'Confirmation requested'), ('confirmed', 'Confirmed')]),
        ),
        migrations.AddConstraint(
            model_name='consentevent',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['granted', 'revoked', 'requested', 'confirmed'])), name='consent_events_action'),
        ),
        migrations.AddConstraint(
            model_name='consentevent',
            constraint=models.UniqueConstraint(fields=('customer_id', 'place'), name='consent_events_chain'),
        ),
        migrations.AddConstraint(
            model_name='consentevent',
            constraint=models.CheckConstraint(condition=models.Q(('hash__regex', '^[0-9a-f]{64}$'), ('place__gt', 0)), name='consent_events_chained'),
        ),
    ]
