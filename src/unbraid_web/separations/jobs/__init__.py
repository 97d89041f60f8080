"""Claims background jobs, keeps them alive, stops them and takes them back, whatever the work is."""
