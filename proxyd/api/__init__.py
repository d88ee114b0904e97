"""The contract between proxyd and its clients: models, method table, wire codec and an asyncio client.

The only room of proxyd that onviftui may import. Pure except for `client`.
"""
