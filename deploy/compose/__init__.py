"""What `docker-compose.yml` runs and needs beside the processes themselves."""
