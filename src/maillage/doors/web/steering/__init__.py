"""The coordinator's first page: the territory, its delays, what it lacks, what each side owes the other."""
