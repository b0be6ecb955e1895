"""What a batch is: identities, sequences, frames, augmentation."""
