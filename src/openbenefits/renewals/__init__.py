"""Plans for clients: master plans, benefits batches, offered plans, their approval and renewal."""
