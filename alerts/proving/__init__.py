"""Rules proved before they wake anybody: tried on written series, on stored history, and on what a server recorded."""
