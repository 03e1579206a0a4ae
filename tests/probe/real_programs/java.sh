#!/bin/sh
exec java -Xmx64m -XX:+UseSerialGC -version
