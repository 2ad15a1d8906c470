"""How a file leaves and answers come: a folder, SFTP, or by hand; put in place whole, over no other."""
