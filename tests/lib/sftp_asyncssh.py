# SPDX-License-Identifier: Apache-2.0
"""sftp_asyncssh.py PORT USER KEY FOLDER TREE BACK: asyncssh's SFTP client;
TREE goes to FOLDER and back to BACK, to be compared by the caller."""
import asyncio
import os
import sys

import asyncssh

from sftpraw import Results

port, user, key, far, tree, back = sys.argv[1:]
t = Results()


async def steps(f, openssh):
    far_ = far + "/asyncssh"
    await f.mkdir(far_)
    # no chdir(): it would change what a link says
    base = far_ + "/"
    await f.put(tree, base + "tree", recurse=True, preserve=True,
                follow_symlinks=False)
    await f.get(base + "tree", back, recurse=True, preserve=True,
                follow_symlinks=False)
    t.ok(True, "put and get of a tree")
    v = await f.statvfs(far_)
    t.ok(v.blocks > 0 and v.bsize > 0, "statvfs")
    async with f.open(base + "big", "wb+") as g:
        data = os.urandom(3000000)
        await asyncio.gather(*[g.write(data[i:i + 60000], i)
                               for i in range(0, len(data), 60000)])
        got = await asyncio.gather(*[g.read(60000, i)
                                     for i in range(0, len(data), 60000)])
        t.ok(b"".join(got) == data, "50 writes, then 50 reads in flight")
        await g.fsync()
        t.equal((await g.stat()).size, len(data), "fsync, fstat")
        t.ok((await g.statvfs()).blocks > 0, "fstatvfs")
        await g.truncate(10)
        await g.utime((3, 4))
    st = await f.stat(base + "big")
    t.equal((st.size, st.mtime), (10, 4), "setstat on a handle")
    await f.link(base + "big", base + "hard")
    t.equal((await f.lstat(base + "hard")).size, 10, "hardlink")
    # its order of the arguments depends on the server's version
    await f.symlink("big", base + "soft")
    t.equal(await f.readlink(base + "soft"), "big", "symlink, readlink")
    await f.posix_rename(base + "hard", base + "soft")
    t.equal(await f.islink(base + "soft"), False, "posix_rename over a link")
    t.ok(len(await f.glob(base + "tree/size*")) == 9, "glob")
    t.ok(await f.isdir(base + "tree/empty-dir/in/in"), "an empty directory")
    await f.rmtree(base + "tree/sub")
    t.equal(await f.exists(base + "tree/sub"), False, "rmtree")
    await asyncio.gather(*[put(f, base + "n%d" % i) for i in range(200)])
    t.equal(len(await f.glob(base + "n*")), 200, "200 files at once")


async def put(f, name):
    async with f.open(name, "w") as g:
        await g.write(name)


async def main():
    async with asyncssh.connect("127.0.0.1", int(port), username=user,
                                client_keys=[key], known_hosts=None,
                                agent_path=None) as c:
        async with c.start_sftp_client() as f:
            await steps(f, "OpenSSH" in c.get_extra_info("server_version"))

asyncio.run(main())
