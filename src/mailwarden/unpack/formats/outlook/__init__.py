"""What Outlook writes: .msg files and winmail.dat."""
