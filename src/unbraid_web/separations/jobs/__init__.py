"""How background work is claimed, kept alive, stopped and taken back; what the work is, the jobs do not know."""
