"""What GANs are compared with: generative against discriminative on texts, other generators on images."""
