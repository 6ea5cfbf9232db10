"""The HTTPS API: who calls, what they sent, and how answers and errors look. What happens is in `runtime`."""
