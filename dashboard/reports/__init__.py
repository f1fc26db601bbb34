"""What leaves Overread: reports and the kinds of files that a study is exported as."""
