#!/bin/sh
exec perl -e '@a = map { [1 .. 10] } 1 .. 50000; print scalar @a'
