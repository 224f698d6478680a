-- What the grid is sorted by name with: the folded first name and then the last, and the other way round; null
-- where the contact has no such name. It stands beside the words of the search, which the same job keeps up, and
-- not on the contacts, where each PATCH of a name would have to write to an index.
alter table contact_search
    add column first_key text collate "C",
    add column last_key  text collate "C";
create index contact_search_first on contact_search (workspace_id, first_key, contact_id);
create index contact_search_last on contact_search (workspace_id, last_key, contact_id);

-- So that the job looks through every contact again.
delete from search_progress;
