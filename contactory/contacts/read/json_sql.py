"""A contact as JSON, written by PostgreSQL: byte for byte what `encode_json` makes of a Contact."""

from collections.abc import Callable

from contactory.contacts.model import SCALARS

_COMMA = ",\n"
# The order is that of code points, as in Python.
_TAGS = """
coalesce((select '[' || string_agg(to_json(t.name)::text, ',' order by t.name collate "C") || ']'
            from tags t
           where t.workspace_id = {workspace_id} and t.id = any({tag_ids})), '[]')
""".strip()
# A merged tag has the name of its target.
_STALE_TAGS = """
coalesce((select '[' || string_agg(to_json(name)::text, ',') || ']'
            from (select distinct coalesce(target.name, t.name) collate "C" as name
                    from tags t
                    left join tags target on target.workspace_id = t.workspace_id
                                         and target.id = t.merged_into
                   where t.workspace_id = {workspace_id} and t.id = any({tag_ids}) and t.deleted_at is null
                   order by 1) named), '[]')
""".strip()
_FIELDS = """
coalesce((select '{{' || string_agg(to_json(f.name)::text || ':' || to_json({fields} ->> f.num::text)::text,
                                   ',' order by f.position, f.num) || '}}'
            from jsonb_object_keys({fields}) k
            join custom_fields f on f.workspace_id = {workspace_id} and f.num = k::bigint
           where f.deleted_at is null), '{{}}')
""".strip()


def contact_json(column: Callable[[str], str], *, stale_tags: bool = True) -> str:
    """SQL of the JSON, as text; `column` gives the SQL of a column of the contact.

    Without `stale_tags`, the contact must not have ids of merged or deleted tags.
    """
    tags = _STALE_TAGS if stale_tags else _TAGS
    names = ("workspace_id", "tag_ids", "fields")
    scalars = [
        f""" ',"{name}":', coalesce(to_json({column(attribute)})::text, 'null')"""
        for name, attribute in SCALARS.items()
    ]
    parts = [
        f"""'{{"id":"', {column("id")}, '","workspaceId":"', {column("workspace_id")}, '"'""",
        *scalars,
        f""" ',"tags":', {tags.format(**{name: column(name) for name in names})}""",
        f""" ',"customFields":', {_FIELDS.format(**{name: column(name) for name in names})}""",
        f""" ',"createdAt":', {_time(column("created_at"))}""",
        f""" ',"updatedAt":', {_time(column("updated_at"))}""",
        " '}'",
    ]
    return f"concat({_COMMA.join(parts)})"


def _time(value: str) -> str:
    """A time in RFC 3339, without a fraction of zero; the sessions have the zone UTC."""
    return rf"""replace(to_char({value}, '\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\"'), '.000000', '')"""
