"""Files released, withdrawn and sent."""
