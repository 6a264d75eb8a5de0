"""Open Inference Protocol, HTTP/REST: v2.*."""
