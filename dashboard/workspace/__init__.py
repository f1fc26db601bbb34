"""What a process is given: settings, services, files on disk or shared storage."""
