"""Reports: what one says, in which words, and its page, for signed and for unread results."""
