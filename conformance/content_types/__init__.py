"""MLServer's content types: content-types.*."""
