"""What people read: tables, sentences, figures, files for other programs."""
