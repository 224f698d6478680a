"""Send windows of a workspace: the local hours in which its contacts may be contacted."""
