# SPDX-License-Identifier: Apache-2.0
"""Targets and clients for the tests of forwarding.

  serve WHERE...  echo servers at "PORT" (printed when 0) or "/path"; each
                  says "end:<bytes>" when the other side has ended, and closes
  talk WHERE TEXT  send TEXT, end our side, print what comes back
  many WHERE N     N connections at once, each says its number; prints how
                  many got it back
  stuck           a port that takes no connection and refuses none; printed
  idle WHERE N    N connections that say nothing; prints when they are there
"""
import asyncio
import socket
import sys
import time


async def echo(reader, writer):
    total = 0
    try:
        while True:
            data = await reader.read(65536)
            if not data:
                break
            total += len(data)
            writer.write(data)
            await writer.drain()
        writer.write(b"end:%d" % total)
        await writer.drain()
        writer.close()
    except ConnectionError:
        pass


async def serve(places):
    servers = []
    for place in places:
        if place.startswith("/"):
            server = await asyncio.start_unix_server(echo, place, backlog=1000)
        else:
            server = await asyncio.start_server(
                echo, "127.0.0.1", int(place), backlog=1000)
            print(server.sockets[0].getsockname()[1], flush=True)
        servers.append(server)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def dial(place):
    if place.startswith("/"):
        return await asyncio.open_unix_connection(place)
    host, _, port = place.rpartition(":")
    return await asyncio.open_connection(host or "127.0.0.1", int(port))


async def exchange(place, text):
    reader, writer = await dial(place)
    writer.write(text)
    writer.write_eof()
    data = await asyncio.wait_for(reader.read(-1), 30)
    writer.close()
    return data


async def many(place, n):
    async def one(i):
        reader, writer = await dial(place)
        text = b"%06d" % i
        writer.write(text)
        got = await asyncio.wait_for(reader.readexactly(6), 60)
        await done.wait()
        writer.write_eof()
        rest = await asyncio.wait_for(reader.read(-1), 60)
        writer.close()
        return got == text and rest == b"end:6"

    done = asyncio.Event()
    tasks = [asyncio.create_task(one(i)) for i in range(n)]
    # all of them are open before the first one ends
    asyncio.get_running_loop().call_later(1.0, done.set)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    print(sum(r is True for r in results))


def stuck():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    fill = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(server.getsockname())
        fill.append(s)
    print(server.getsockname()[1], flush=True)
    time.sleep(900)


def idle(place, n):
    host, _, port = place.rpartition(":")
    held = [socket.create_connection((host, int(port))) for _ in range(n)]
    print(len(held), flush=True)
    time.sleep(900)


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == "serve":
        asyncio.run(serve(args))
    elif what == "talk":
        data = asyncio.run(exchange(args[0], args[1].encode()))
        print(data.decode())
    elif what == "stuck":
        stuck()
    elif what == "idle":
        idle(args[0], int(args[1]))
    elif what == "many":
        asyncio.run(many(args[0], int(args[1])))


main()
