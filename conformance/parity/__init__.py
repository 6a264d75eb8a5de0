"""One model behind both protocols: parity.*."""
