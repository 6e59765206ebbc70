"""Real espeak-ng and sox speak here; set-up installs them."""
