"""Work that outlives a page: runs, sweeps, duels and exports, each a folder and a process."""
