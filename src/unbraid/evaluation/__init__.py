"""How good a separation is: songs with known stems, the field's measures, and a model's report over them."""
