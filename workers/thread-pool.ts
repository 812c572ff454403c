/** Threads that wait for disks: by default Node.js has four, and as many slow writes hold up whatever else reads or writes. Before its first use, so that this is the first module of a process. */
process.env['UV_THREADPOOL_SIZE'] ??= '16';
