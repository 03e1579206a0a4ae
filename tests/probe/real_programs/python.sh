#!/bin/sh
exec python3 -c '
import json, threading
def work():
    for _ in range(20): json.dumps([list(range(500)) for _ in range(40)])
threads = [threading.Thread(target=work) for _ in range(32)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(json.dumps({str(i): [i] * 5 for i in range(20000)})))'
