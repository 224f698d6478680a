"""Who may be contacted at which moment: opening hours on local clocks, and the verdict on a contact."""
