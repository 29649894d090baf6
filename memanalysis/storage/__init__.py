"""The store on disk: its files, their schema, how they are written whole, locked and read."""
