"""What is kept, as conditional writes over the `Table` port; see `keys` for the layout of the one table."""
