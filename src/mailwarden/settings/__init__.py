"""Typed settings: one TOML file, every setting with type, unit, default and one sentence.

`model` is the whole list; `load` reads a file and says everything that is wrong with it at once;
`contradictions` is what single values cannot know; `describe` writes reference and sample.
`values` has the types of single settings; `rule_tables` and `rule_files` make attachment rules,
from our tables and from Qmail-Scanner's files (whose `perl_patterns` are translated).
`catalogue` is the list as values to read from, `problems` words what is wrong, `locations` finds
the lines.
Start reading with `model`.
"""
