"""Pictures in, arrays out: decoding, binarization, distortion. Knows no digit and no model."""
