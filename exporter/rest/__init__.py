"""Reading by REST beside the streams: to compare, to fill gaps and to value, never to act."""
