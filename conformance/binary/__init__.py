"""Binary tensor data over HTTP."""
