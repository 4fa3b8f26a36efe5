"""What diagnostics return, and the axes and pictures that they share."""
