-- Tables, views and their options.
SELECT format('%s %s kind=%s rls=%s force=%s options=%s', n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
 ORDER BY 1;
-- Columns in their order, with type, default, collation, identity and generation.
SELECT format('%s.%s #%s %s notnull=%s default=%s collation=%s identity=%s generated=%s', c.relname, a.attname, a.attnum,
              format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), l.collname, a.attidentity, a.attgenerated)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY 1;
-- Constraints.
SELECT format('%s constraint %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
 ORDER BY 1;
-- Indexes.
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
 ORDER BY 1;
-- Views.
SELECT format('view %s %s', viewname, definition) FROM pg_views WHERE schemaname = 'public'
 ORDER BY 1;
-- Functions of our own (those of extensions come with their version).
SELECT pg_get_functiondef(p.oid) FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
 ORDER BY 1;
-- Triggers.
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
 ORDER BY 1;
-- Policies.
SELECT format('policy %s %s %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check) FROM pg_policies WHERE schemaname = 'public'
 ORDER BY 1;
-- Types and domains of our own.
SELECT format('type %s %s %s', t.typname, t.typtype, (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
  FROM pg_type t
 WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
 ORDER BY 1;
-- Sequences.
SELECT format('sequence %s %s %s %s', sequencename, data_type, start_value, increment_by) FROM pg_sequences WHERE schemaname = 'public'
 ORDER BY 1;
-- Extensions.
SELECT format('extension %s', extname) FROM pg_extension
 ORDER BY 1;
-- Comments.
SELECT format('comment %s.%s %s', d.objoid::regclass, d.objsubid, d.description) FROM pg_description d
  JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass WHERE c.relnamespace = 'public'::regnamespace
 ORDER BY 1;
