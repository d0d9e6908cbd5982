"""The notifier's rules: who is told, how often a mail is tried, what news may say."""
