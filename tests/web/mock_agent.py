#!/usr/bin/env python3
"""A stand-in for the agent's HTTP side: serves the page's assets and made-up but consistent JSON on the loopback.

mock_agent.py [--scene leaks] [--port 0] [--prefix /] prints its address and serves until its input ends or it is interrupted. A
line of input changes it and is answered by "ok": show SCENE, stop, start (again, on the same port).

Scenes: learning (just started), quiet (verdicts, no suspects), leaks (one leaking, one suspected, one recovering among
300 processes with hostile names), many (5,000 processes), ailing (a collector fails), empty (nothing read yet), servers
(series of other servers are followed).
"""

import argparse
import datetime
import gzip
import hashlib
import http.server
import json
import math
import mimetypes
import os
import pathlib
import random
import sys
import threading
import time
import urllib.parse

# The bundled page: a build tree's agent/web/page.
ASSETS = pathlib.Path(os.environ.get('HEAPFLOOR_PAGE', pathlib.Path(__file__).resolve().parents[2] / 'build/dev/agent/web/page'))
MIB = 1024 ** 2
GIB = 1024 ** 3
HOUR = 3600.0
INTERVAL_SECONDS = 2.0
HISTORY_SECONDS = 8 * HOUR
POINT_SECONDS = 15.0
FLOOR_SECONDS = 600.0

HEADERS = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                               "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
}

# What a process can put into its 15 bytes of name, and what longer group names can hold.
HOSTILE_NAMES = [
    '<img src=x onerror=alert(1)>',
    '"><script>alert(1)</script>',
    'inv\u202egpj.exe',
    'two\nlines\ttab',
    '\x1b[31mred\x1b[0m',
    '\u2066\u2067isolates',
    'zero\u200bwidth\ufeff',
    '${{7*7}}{{x}}',
    'javascript:alert(1)',
    '\ud83d\ude00 ok',
    '   ',
    'a' * 64,
    '../../etc/passwd',
    '%2e%2e%00',
]
ORDINARY_NAMES = ['nginx', 'postgres', 'redis-server', 'kworker/u8:2', 'sshd', 'containerd', 'dockerd', 'java', 'node',
                  'prometheus', 'systemd-journal', 'cron', 'rsyslogd', 'envoy', 'haproxy', 'mysqld']


def process(pid, comm, value, state=None, **more):
    """One row of the list; `state` None is a process too small to be watched."""
    watched = state is not None
    start_time = 1_000_000 + pid * 100
    row = {
        'id': f'process:{pid}:{start_time}/rss_anon', 'scope': 'process',
        'subject': {'pid': pid, 'start_time': more.pop('started', time.time() - 9 * HOUR), 'comm': comm,
                    'group': more.pop('group', comm), 'cgroup': None, 'part': None},
        'signal': 'rss_anon', 'basis': 'rss_floor', 'watched': watched, 'state': state, 'value_bytes': int(value),
        'resident_anon_bytes': int(value), 'resident_file_bytes': 9 * MIB, 'resident_shmem_bytes': 0, 'swap_bytes': 0,
        'threads': 1 + pid % 13, 'floor_bytes': int(value * 0.9) if watched and state != 'learning' else None,
        'growth_bytes_per_second': None, 'confidence': None, 'predicted_exhaustion': None, 'proportional': None,
    }
    row.update(more)
    return row


def cgroup(path, current, unreclaimable, limit, stalled, limit_of=None, oom_kills=0, name=None, processes=3, watches=(), **identity):
    """One row of the cgroups; `limit` is its own, `limit_of` (path, bytes) that of one above, neither: the host's memory."""
    owner, effective = limit_of or (path if limit else None, limit or 16 * GIB)
    words = dict.fromkeys(('runtime', 'container_id', 'container', 'image', 'image_id', 'pod', 'pod_uid', 'namespace', 'qos', 'unit', 'slice'))
    return {
        'cgroup': path, 'name': name or path.rsplit('/', 1)[-1], 'identity': {**words, **identity}, 'processes': processes,
        'current_bytes': int(current), 'unreclaimable_bytes': unreclaimable and int(unreclaimable),
        'working_set_bytes': int(current * 0.9), 'limit_bytes': limit, 'high_bytes': None,
        **dict.fromkeys(('anon_bytes', 'file_bytes', 'shmem_bytes', 'swap_bytes', 'peak_bytes')),
        'limit_share': unreclaimable and unreclaimable / effective, 'oom_kills': oom_kills,
        'effective_limit': {'bytes': effective, 'source': 'cgroup' if owner else 'host', 'cgroup': owner},
        'pressure': {'waiting_seconds': stalled and stalled * 2, 'stalled_seconds': stalled},
        'watches': [{'id': f'cgroup:{path}/{signal}', 'signal': signal, 'state': state} for signal, state in watches],
    }


# The API gives every amount twice: in the signal's unit, and under a name that says bytes where it is in bytes.
AMOUNTS = {'value_bytes': 'value', 'floor_bytes': 'floor', 'limit_bytes': 'limit', 'growth_bytes_per_second': 'growth_per_second'}


def with_amounts(document):
    """The document with the unit and the amounts without a unit beside those in bytes."""
    if isinstance(document, list):
        return [with_amounts(entry) for entry in document]
    if not isinstance(document, dict):
        return document
    document = {key: with_amounts(value) for key, value in document.items()}
    if 'share' in document or 'limit_share' in document:  # structures, sites and cgroups have bytes alone
        return document
    amounts = {plain: document[name] for name, plain in AMOUNTS.items() if name in document and plain not in document}
    return {**document, **amounts, **({'unit': 'bytes'} if 'signal' in document and amounts and 'unit' not in document else {})}


def growth(per_hour, low, high):
    return {'estimate': per_hour * MIB / HOUR, 'low': low * MIB / HOUR, 'high': high * MIB / HOUR}


GATE_DETAILS = [
    ('trend', 'Z 7.2, needs 3'), ('size', '1.5 GiB at least, needs 41 MiB'), ('signal', '38 \u03c3, needs 4 \u03c3'),
    ('record', '212 MiB above every earlier floor, needs 170 MiB'), ('increments', '22 effective rises, needs 3'),
    ('still_growing', '0.97 of the overall slope, needs 0.40'), ('shape', 'linear: thirds rise by 702 and 708 MiB'),
    ('precedent', 'no earlier rise was undone'), ('patience', 'watched for 7 h 50 min, needs 1 h 18 min'),
    ('season', 'less than 8 h to the limit: not asked to wait'), ('gc_runtime', ''), ('persistence', '2 of 2 closes'),
]


def gates(failing=None, detail=None):
    result = []
    held = False
    for name, words in GATE_DETAILS:
        passed = None if held or name == 'gc_runtime' else True
        if name == failing:
            passed, words, held = False, detail, True
        result.append({'gate': name, 'passed': passed, 'detail': words if passed is not None else ''})
    return result


class World:
    """The facts of one scene. Time moves: series grow with the clock."""

    def __init__(self, scene):
        self.scene = scene
        self.now = time.time()
        self.started = self.now - {'learning': 20, 'empty': 1}.get(scene, 9 * HOUR)
        self.suspects = []
        self.same_leaks = []
        self.rows = []
        self.limits = {}
        self.silences = []
        if scene != 'empty':
            self._fill({'many': 5000}.get(scene, 300))
        if scene in ('leaks', 'many', 'ailing'):
            self._leak()
        if scene == 'ailing':
            row = process(1, 'db.service', 80 * MIB, 'stable', id='cgroup:/system.slice/db.service/rss_anon', scope='cgroup')
            row['subject'].update(pid=None, start_time=None)
            self.rows.append(row)
        if scene in ('servers', 'leaking servers'):
            for pod, state in (('cart-1', 'learning'), ('<b>pay</b>', 'stable')):
                name = f'shop{{pod="{pod}"}}'
                row = process(1, name, 700 * MIB, state, id=f'external:{name}/external', scope='external', signal='external',
                              group='shop', swap_bytes=None, threads=None)
                row['subject'].update(pid=None, start_time=None)
                if scene == 'servers':
                    self.rows.append(row)
                else:
                    self._suspect({**row, 'state': 'leaking', 'growth_bytes_per_second': growth(9, 8, 10)}, self.now - HOUR,
                                  'warning', gates(), 'The floor rises.', None)

    def _fill(self, count):
        generator = random.Random(7)
        watched_state = 'learning' if self.scene == 'learning' else 'stable'
        for index in range(count):
            pid = 100 + 7 * index
            if self.scene in ('leaks', 'many') and index < len(HOSTILE_NAMES):
                comm, value, state = HOSTILE_NAMES[index], (40 + index) * MIB, watched_state
            else:
                comm = generator.choice(ORDINARY_NAMES)
                value = 2 ** generator.uniform(16, 24)
                state = None
                if index % 25 == 4:
                    value, state = 2 ** generator.uniform(25, 31), watched_state
            self.rows.append(process(pid, comm, value, state))

    def _leak(self):
        now = self.now
        prediction = {'limit_bytes': 4 * GIB, 'limit_source': 'cgroup', 'at': now + 5.2 * HOUR,
                      'earliest': now + 4.67 * HOUR, 'latest': now + 6.5 * HOUR}
        self._suspect(
            process(4711, 'payments', 3.0 * GIB, 'leaking', group='shop', floor_bytes=int(2.85 * GIB),
                    growth_bytes_per_second=growth(212, 198, 230), confidence=0.998, predicted_exhaustion=prediction,
                    swap_bytes=12 * MIB, threads=48, proportional={
                        'anon_bytes': int(2.9 * GIB), 'file_bytes': 4 * MIB, 'shmem_bytes': 0, 'swap_bytes': 0,
                        'estimated_bytes': 3 * GIB, 'sampled_at': now - 42}),
            since=now - 5 * HOUR, severity='critical', gates=gates(), cgroup='/system.slice/payments.service',
            evidence=[{'kind': 'builds', 'text': 'since build v1.4.2, 7 h 50 min ago: +222 MB/h; build v1.4.1 before it: level (seen for 2 d 1 h)'},
                      {'kind': 'signal', 'id': 'process:4711:1471100/threads', 'signal': 'threads', 'unit': 'threads',
                       'state': 'suspected', 'growth_per_second': {'estimate': 12 / HOUR, 'low': 9 / HOUR, 'high': 15 / HOUR}}],
            reason='The floor rose in 22 of the last 23 buckets, by 1.5 GiB in 7 h 50 min; it reaches 4 GiB in about 5 h.')
        self._suspect(
            process(4822, 'search-indexer', 610 * MIB, 'suspected', floor_bytes=int(560 * MIB),
                    growth_bytes_per_second=growth(9.4, 2.1, 16.0), confidence=0.5,
                    predicted_exhaustion={'limit_bytes': 16 * GIB, 'limit_source': 'host', 'at': now + 70 * 24 * HOUR,
                                          'earliest': now + 41 * 24 * HOUR, 'latest': None}),
            since=now - 1.2 * HOUR, severity='info', cgroup=None,
            gates=gates('patience', 'watched for 7 h 50 min, needs 30 h'),
            evidence=[{'kind': 'goroutines', 'before': 12, 'now': 12412, 'stack_growth_bytes': 24 * MIB, 'stack_share': 0.9, 'waits': {
                'source': 'memory', 'time': now - 20, 'goroutines': 12412, 'seen': 12412,
                'text': '12,400 of 12,412 goroutines wait in main.consume (service.go:33) for a channel receive, started at main.serve (service.go:51).',
                'places': [{'goroutines': 12400, 'at': {'function': 'main.consume', 'file': '/src/service.go', 'line': 33}, 'reason': 'chan receive',
                            'started_at': {'function': 'main.serve', 'file': '/src/service.go', 'line': 51}}]}}],
            reason='The floor rises, but has been watched for 7 h 50 min of the 30 h that so slow a growth needs.')
        self._suspect(
            process(4933, 'thumbnailer', 240 * MIB, 'recovering', floor_bytes=int(200 * MIB)),
            since=now - 0.5 * HOUR, severity='info', cgroup=None, gates=gates('still_growing', 'level since 48 min'),
            reason='The floor fell by 61 % of what had leaked.')
        self.limits = {4711: 4 * GIB, 4822: 16 * GIB}
        threads = {**process(4711, 'payments', 0, 'suspected', group='shop'), 'id': 'process:4711:1471100/threads', 'signal': 'threads',
                   'unit': 'threads', 'value': 48, 'floor': 46, 'value_bytes': None, 'floor_bytes': None}
        self.rows.append(threads)
        # What a probe in the first says of the same leak: a structure of it, and one more signal.
        payments = self.suspects[0]
        payments['captures'] = [
            {'id': '20261129T061905Z-4711-leaking', 'occasion': 'leaking', 'at': now - 5 * HOUR,
             'files': ['suspect.json', 'series.json', 'heap.pb.gz']},
            {'id': '20261129T041905Z-4711-suspected', 'occasion': 'suspected', 'at': now - 7 * HOUR, 'files': ['suspect.json', 'heap.pb.gz']}]
        payments['cause'] = {'live_growth': 0.8, 'allocator_retention': 0.05, 'file_cache': 0.0, 'shared_memory': 0.0,
                             'thread_stacks': 0.15, 'unattributed': 0.0}
        payments['cause_summary'] = (
            '80 % of the growth is memory that the program holds; 15 % is stacks of threads: 48 threads, +12/h, 2.6 MiB of stack each; '
            '5 % is memory that its allocator keeps free.')
        payments['explanation'] = (
            'The floor of the resident anonymous memory of payments (pid 4711) rose from 1.35 to 2.85 GiB since 2026-11-29 00:05 UTC (7 h 50 min), '
            'by 222 MB/h (208 to 241). It is called leaking since 2026-11-29 06:19 UTC: confirmed over 23 floors, the last 22 each above the one before, '
            f"at a confidence of 99.8 %. {payments['cause_summary']} Since build v1.4.2, 7 h 50 min ago: +222 MB/h; build v1.4.1 before it: level "
            '(seen for 2 d 1 h). It gains threads (12 threads/h) as well. It is not a warm-up that levels off, nor the cache of files. At this pace it '
            'reaches the limit of 4.00 GiB (cgroup) at 2026-11-29 16:31 UTC, in 5 h 12 min (15:59 to 17:49). Next: look at what is put into user_cache '
            'and never taken out; its heap profile has the stacks.')
        payments['build'] = {'name': 'v1.4.2', 'program': 'payments', 'kind': 'gnu_build_id', 'id': '3f2a90c1d4e5' + '0' * 28,
                             'version': 'v1.4.2', 'image': 'registry.example/payments:1.4.2', 'image_id': 'sha256:' + 64 * 'e', 'since': now - 7.8 * HOUR, 'runs': 1, 'run_seconds': 7.8 * HOUR, 'seen_seconds': 7.8 * HOUR,
                             'move': 'rising', 'growth_per_second': None, 'is_rollback': False, 'before': None}
        payments['sites'] = [
            {'site': '00000000deadbeef', 'function': 'AddUser(Session&)', 'file': '/src/shop/cache.cpp', 'line': 88, 'location': None,
             'structure': 'user_cache', 'phase': 'grow', 'container': 'std::unordered_map', 'element': 'User',
             'growth_bytes_per_second': growth(150, 140, 160), 'share': 0.71},
            {'site': '00000000cafebabe', 'function': HOSTILE_NAMES[0], 'file': None, 'line': None, 'location': 'server+0x1234',
             'structure': None, 'phase': None, 'container': None, 'element': None, 'growth_bytes_per_second': growth(9, 5, 12), 'share': None}]
        payments['structures'] = [{'name': 'user_cache', 'phase': 'grow', 'growth_bytes_per_second': 190 * MIB / HOUR, 'share': 0.9}]
        self.same_leaks = [{**payments, 'id': 'process:4711:1471100/sampled_live', 'signal': 'sampled_live', 'basis': 'sampled_live'},
                           {**payments, 'id': 'structure:4711:1471100:user_cache/structure_bytes', 'scope': 'structure',
                            'signal': 'structure_bytes', 'structures': []}]

    def _suspect(self, row, since, severity, gates, reason, cgroup, evidence=()):
        self.rows.append(row)
        self.suspects.append({
            **{key: row[key] for key in ('id', 'scope', 'signal', 'basis', 'state', 'value_bytes', 'floor_bytes',
                                         'growth_bytes_per_second', 'confidence', 'predicted_exhaustion')},
            'subject': {**row['subject'], 'cgroup': cgroup}, 'collector': None, 'ended_at': None, 'build': None, 'captures': [],
            'changes': self._changes(row['state'], since), 'since': since, 'severity': severity, 'cause': {}, 'cause_summary': None, 'explanation': f'The floor of {row["id"]} rises.', 'sites': [],
            'structures': [], 'gates': gates, 'reason': reason, 'evidence': list(evidence),
        })

    @staticmethod
    def _changes(state, since):
        return [{'at': since - HOUR, 'state': 'suspected'}, *([{'at': since, 'state': state}] if state != 'suspected' else [])]

    def config(self):
        changed = [] if self.scene == 'empty' else [
            ('collection.interval', '2s', '15s', 'time between two looks'), ('alerts.instance', HOSTILE_NAMES[0], '', 'what alerts call this host')]
        same = [('storage.retention', '15d', '15d', 'how long the history goes back'), ('web.config-file', '', '', 'TLS and passwords')]
        return {'settings': [{'key': key, 'value': value, 'default': initial, 'is_default': value == initial, 'help': text}
                             for key, value, initial, text in changed + same],
                'lists': [{'path': 'groups', 'entries': len(changed), 'help': 'rules that put processes into groups'},
                          {'path': 'alerts.webhooks', 'entries': 0, 'help': 'addresses that are sent a message'}]}

    def counts(self):
        states = [row['state'] for row in self.rows]
        result = {state: states.count(state) for state in ('learning', 'stable', 'suspected', 'leaking', 'recovering')}
        firing = sum(suspect['state'] == 'leaking' for suspect in self.suspects)
        watched = sum(row['watched'] for row in self.rows)
        if watched > 0:  # then the agent's own heap is watched too
            result['learning' if self.scene == 'learning' else 'stable'] += 1
        return {'processes': len(self.rows), 'groups': len({row['subject']['group'] for row in self.rows}),
                'watched': sum(result.values()), 'watched_processes': watched, **result, 'alerts_pending': 0, 'alerts_firing': firing}

    def status(self):
        now = time.time()
        tick = now - now % INTERVAL_SECONDS
        ailing = self.scene == 'ailing'
        none = {'permission': 0, 'vanished': 0, 'unavailable': 0, 'parse': 0, 'timeout': 0, 'io': 0}
        open_sources = {'skipped': None, 'sources': {}, 'closed_sources': {}}
        collectors = [
            {'name': 'host', 'success': True, 'duration_seconds': 0.0004, 'last_success_at': tick, 'errors': none, **open_sources},
            {'name': 'process', 'success': True, 'duration_seconds': 0.0121, 'last_success_at': tick,
             'errors': {**none, 'vanished': 41, 'permission': 14 if ailing else 0}, **open_sources},
            {'name': 'self', 'success': not ailing, **open_sources,
             'closed_sources': {'smaps_rollup': 'CAP_SYS_PTRACE', 'exe': 'CAP_SYS_PTRACE'} if ailing else {}, 'duration_seconds': 0.0002,
             'last_success_at': tick - 620 if ailing else tick, 'errors': {**none, 'io': 310 if ailing else 0}},
        ]
        return {'version': '0.1.0', 'revision': 'bb0e797', 'now': tick, 'started_at': self.started,
                'interval_seconds': INTERVAL_SECONDS if self.scene != 'learning' else 15.0,
                'minimum_size_bytes': 16 * 1024 ** 2,
                'first_verdict_seconds': 36 * (INTERVAL_SECONDS if self.scene != 'learning' else 15.0),
                'host': {'memory_capacity_bytes': 16 * GIB, 'memory_available_bytes': int(6.3 * GIB)},
                'external_targets': self.external_targets(tick), 'go_endpoints': self.go_endpoints(tick), 'go_search': None,
                'counts': self.counts(), 'collectors': collectors,
                'probes': {'targets': 1 if self.scene == 'leaks' else 0, 'quarantined': 0, 'kept': 0}, 'series': {'series': 412, 'limit': 20000, 'dropped': 0}}

    def go_endpoints(self, tick):
        if self.scene != 'servers':
            return []
        none = {'permission': 0, 'vanished': 0, 'unavailable': 0, 'parse': 0, 'timeout': 0, 'io': 0}
        fine = {'name': None, 'url': 'http://127.0.0.1:6060', 'group': 'checkout', 'pid': 4711, 'up': True, 'page': 'metrics',
                'live_bytes': 96 * MIB, 'duration_seconds': 0.004, 'last_success_at': tick, 'errors': none, 'error': None}
        return [fine, {**fine, 'name': 'ledger', 'url': 'https://ledger.example:8443', 'group': '<b>billing</b>', 'pid': None, 'up': False,
                       'page': None, 'live_bytes': None, 'last_success_at': None, 'errors': {**none, 'io': 4},
                       'error': 'https://ledger.example:8443/metrics: Could not connect'}]

    def external_targets(self, tick):
        if self.scene != 'servers':
            return []
        none = {'permission': 0, 'vanished': 0, 'unavailable': 0, 'parse': 0, 'timeout': 0, 'io': 0}
        fine = {'name': 'shop', 'url': 'http://prometheus:9090', 'up': True, 'duration_seconds': 0.012, 'last_success_at': tick,
                'series': 2, 'errors': none, 'series_dropped': {'limit': 0, 'duplicate': 0, 'name': 0}, 'readings_refused': 0,
                'error': None}
        return [fine, {**fine, 'name': 'far', 'url': 'https://mimir.example/prometheus', 'up': False, 'duration_seconds': 10,
                       'last_success_at': tick - 400, 'errors': {**none, 'timeout': 27}, 'readings_refused': 3,
                       'series_dropped': {'limit': 12, 'duplicate': 0, 'name': 0},
                       'error': 'https://mimir.example/prometheus/api/v1/query: Connection timed out <b>after</b> 10 s'}]

    def subjects(self, query):
        rows = [row for row in self.rows if row['scope'] == query.get('scope', row['scope'])]
        search = query.get('search', '').lower()
        if search:
            rows = [row for row in rows if search in row['subject']['comm'].lower() or search in str(row['subject']['pid'])
                    or search in row['subject']['group'].lower() or search == row['id'].rsplit('/', 1)[0].lower()]
        if query.get('state'):
            rows = [row for row in rows if row['state'] == query['state']]
        keys = {
            'value': lambda row: row['value_bytes'], 'floor': lambda row: row['floor_bytes'],
            'growth': lambda row: row['growth_bytes_per_second'] and row['growth_bytes_per_second']['estimate'],
            'exhaustion': lambda row: row['predicted_exhaustion'] and row['predicted_exhaustion']['at'],
            'name': lambda row: row['subject']['comm'].encode('utf-16', 'surrogatepass'), 'pid': lambda row: row['subject']['pid'],
        }
        key = keys[query.get('sort', 'value')]
        present = sorted((row for row in rows if key(row) is not None), key=key, reverse=query.get('order', 'desc') == 'desc')
        rows = present + [row for row in rows if key(row) is None]
        offset, limit = int(query.get('offset', 0)), int(query.get('limit', 100))
        return {'total': len(rows), 'offset': offset, 'subjects': rows[offset:offset + limit]}

    def series(self, identifier, query):
        row = next((row for row in self.rows if row['id'] == identifier and row['watched']), None)
        if row is None:
            return None
        now = time.time()
        rate = (row['growth_bytes_per_second'] or {'estimate': 0})['estimate']
        floor_now = row['floor_bytes'] or row['value_bytes'] * 0.9
        swing = (row['value_bytes'] - floor_now) * 1.6
        noise = random.Random(row['subject']['pid'])
        span = 60 if self.scene == 'learning' else HISTORY_SECONDS
        start = max(now - span, float(query.get('start', 0)))
        points, floors = [], []
        for index in range(int((now - start) / POINT_SECONDS)):
            at = start + index * POINT_SECONDS
            wave = swing * math.modf(at / 1500)[0] + noise.uniform(-0.03, 0.03) * swing
            value = floor_now + rate * (at - self.now) + wave
            thinned = at < now - 2 * HOUR
            points.append([at, int(value - (0.2 * swing if thinned else 0)), int(value)])
        if self.scene != 'learning':
            for index in range(int((now - start) / FLOOR_SECONDS)):
                at = start + (index + 0.5) * FLOOR_SECONDS
                floors.append([at, int(floor_now + rate * (at - self.now) + noise.uniform(-0.1, 0.1) * swing)])
        line = None
        if rate > 0:
            line = {'start': [now - span, floor_now + rate * (now - span - self.now)], 'end': [now, floor_now + rate * (now - self.now)],
                    'growth_bytes_per_second': row['growth_bytes_per_second']}
        changes = [{'at': now - 8 * HOUR, 'state': 'learning'}, {'at': now - 7.4 * HOUR, 'state': 'stable'}]
        if row['state'] in ('leaking', 'suspected', 'recovering'):
            changes.append({'at': now - 6 * HOUR, 'state': 'suspected'})
        if row['state'] in ('leaking', 'recovering'):
            changes.append({'at': now - 5 * HOUR, 'state': 'leaking'})
        if row['state'] == 'recovering':
            changes.append({'at': now - 0.5 * HOUR, 'state': 'recovering'})
        return {'id': identifier, 'signal': 'rss_anon', 'unit': 'bytes', 'state': row['state'], 'points': points,
                'floors': floors, 'line': line, 'limit_bytes': self.limits.get(row['subject']['pid']),
                'predicted_exhaustion': row['predicted_exhaustion'], 'changes': changes if self.scene != 'learning' else [],
                'former_lives': [
                    {'start_time': now - 60 * HOUR, 'ended_at': now - 20 * HOUR, 'reason': 'reboot', 'state': 'leaking',
                     'floor_bytes': int(3.6 * GIB), 'value_bytes': int(3.7 * GIB), 'growth_per_second': growth(90, 80, 99),
                     'build': None},
                    {'start_time': now - 19 * HOUR, 'ended_at': now - 9 * HOUR, 'reason': 'exited', 'state': 'stable',
                     'floor_bytes': 90 * MIB, 'value_bytes': 95 * MIB, 'growth_per_second': None,
                     'build': {'name': 'v1.4.1', 'program': 'payments', 'kind': 'gnu_build_id', 'id': '77b0e1c2' * 5, 'version': 'v1.4.1',
                               'image': None, 'image_id': None}},
                ] if row['state'] == 'leaking' else []}

    def cgroups(self, query):
        now = time.time()
        rows = [
            cgroup('/system.slice/payments.service', 3.9 * GIB, 3.1 * GIB, 4 * GIB, self.stalled(0.23), oom_kills=2,
                   unit='payments.service', watches=[('cgroup_anon', 'leaking')]),
            cgroup('/system.slice/db.service', 6 * GIB, 1.2 * GIB, None, self.stalled(0), unit='db.service', processes=8,
                   watches=[('cgroup_anon', 'stable'), ('cgroup_shmem', 'suspected')]),
            cgroup('/kubepods.slice/pod_1/' + 64 * 'c', 700 * MIB, 480 * MIB, None, self.stalled(0.004), limit_of=('/kubepods.slice/pod_1', GIB),
                   runtime='containerd', container_id=64 * 'c', container='web',
                   image='registry.example/shop:2.4.1', pod='shop-6c9f', namespace='prod', pod_uid='0d7f', name=12 * 'c'),
            cgroup('/v1/without-pressure', 90 * MIB, None, None, None),
            *(cgroup(f'/{name}', (30 - index) * MIB, (20 - index) * MIB, None, self.stalled(0))
              for index, name in enumerate(HOSTILE_NAMES)),
        ]
        search = query.get('search', '').lower()
        rows = [row for row in rows if search in row['cgroup'].lower()] if self.scene not in ('empty', 'quiet') else []
        key = {'path': 'cgroup', 'unreclaimable': 'unreclaimable_bytes', 'working_set': 'working_set_bytes'}.get(
            query.get('sort'), query.get('sort', 'limit_share'))
        present = sorted((row for row in rows if row[key] is not None),
                         key=lambda row: row[key].encode('utf-16', 'surrogatepass') if key == 'cgroup' else row[key],
                         reverse=query.get('order', 'desc') == 'desc')
        return {'total': len(rows), 'offset': 0, 'now': now - now % INTERVAL_SECONDS,
                'cgroups': present + [row for row in rows if row[key] is None]}

    def stalled(self, share):
        """The counter at the last tick, of a cgroup that has waited in that share of the time."""
        now = time.time()
        return 100 + share * (now - now % INTERVAL_SECONDS - self.started)

    def host_metrics(self):
        """What /metrics?collect[]=host answers."""
        if self.scene == 'empty':
            return ''
        components = {'anon': 7.1, 'file_cache': 4.2, 'shmem': 0.4, 'buffers': 0.1, 'slab_reclaimable': 0.6, 'slab_unreclaimable': 0.2,
                      'page_tables': 0.05, 'kernel_stack': 0.02, 'percpu': 0.01, 'free': 3.3}
        waited = self.stalled(0.08)
        lines = ['# TYPE heapfloor_host_memory_capacity_bytes gauge', f'heapfloor_host_memory_capacity_bytes {16 * GIB}',
                 f'heapfloor_host_memory_available_bytes {int(6.3 * GIB)}', 'heapfloor_host_swap_capacity_bytes 2147483648',
                 'heapfloor_host_swap_free_bytes 1879048192', f'heapfloor_host_committed_bytes {11 * GIB}',
                 f'heapfloor_host_commit_limit_bytes {10 * GIB}', 'heapfloor_host_oom_kills_total 8',
                 f'heapfloor_host_memory_pressure_waiting_seconds_total {waited}',
                 f'heapfloor_host_memory_pressure_stalled_seconds_total {waited / 4}']
        return '\n'.join([*lines, *(f'heapfloor_host_memory_component_bytes{{component="{name}"}} {int(size * GIB)}'
                                    for name, size in components.items())]) + '\n'

    def ooms(self):
        if self.scene == 'ailing':  # an agent that may not read the kernel's log
            return {'kernel_log_readable': False, 'victims': [],
                    'workloads': [{'workload': 'payments.service', 'oom_kills': 2, 'last_at': self.now - 300},
                                  {'workload': 'batch.service', 'oom_kills': 3, 'last_at': None}]}
        if self.scene not in ('leaks', 'many'):
            return {'kernel_log_readable': True, 'victims': [], 'workloads': []}
        victims = [
            {'at': self.now - 300, 'pid': 4512, 'comm': 'payments', 'group': 'shop', 'cgroup': '/system.slice/payments.service',
             'workload': 'payments.service', 'resident_anon_bytes': int(3.2 * GIB), 'id': self.suspects[0]['id']},
            {'at': self.now - 2 * HOUR, 'pid': 977, 'comm': HOSTILE_NAMES[0][:15], 'group': None,
             'cgroup': '/' + HOSTILE_NAMES[1], 'workload': '/' + HOSTILE_NAMES[1], 'resident_anon_bytes': None, 'id': None},
            *({'at': self.now - (3 + hour) * HOUR, 'pid': 1200 + hour, 'comm': HOSTILE_NAMES[2 + hour], 'group': None, 'cgroup': None,
               'workload': None, 'resident_anon_bytes': 50 * MIB, 'id': None} for hour in range(6)),
            {'at': self.now - 30 * HOUR, 'pid': 31, 'comm': 'long-gone', 'group': None, 'cgroup': None, 'workload': None,
             'resident_anon_bytes': GIB, 'id': None}]
        return {'kernel_log_readable': True, 'victims': victims,
                'workloads': [{'workload': 'payments.service', 'oom_kills': 1, 'last_at': self.now - 300},
                              {'workload': '/' + HOSTILE_NAMES[1], 'oom_kills': 1, 'last_at': self.now - 2 * HOUR}]}

    @staticmethod
    def links(suspect):
        chart = '#/suspect/' + urllib.parse.quote(suspect['id'], safe=':/')
        links = {'chart': chart, 'flame_graph': None, 'profile': None, 'runbook': 'runbooks/HeapfloorLeak.html'}
        captured = [capture for capture in suspect['captures'] if 'heap.pb.gz' in capture['files']]
        if captured:
            links['flame_graph'] = chart + '?show=profile'
            links['profile'] = f'api/v1/evidence/{captured[0]["id"]}/heap.pb.gz'
        return links

    def alerts(self):
        result = []
        for suspect in self.suspects:
            if suspect['state'] != 'leaking':
                continue
            since = datetime.datetime.fromtimestamp(suspect['since'], datetime.timezone.utc)
            result.append({
                'labels': {'alertname': 'HeapfloorLeak', 'severity': suspect['severity'], 'scope': 'process',
                           'subject': suspect['id'].split('/')[0], 'group': suspect['subject']['group'], 'signal': 'rss_anon'},
                'annotations': {'summary': f'{suspect["subject"]["comm"]} leaks 212 MiB/h', 'description': suspect['reason']},
                'state': 'firing', 'activeAt': since.isoformat().replace('+00:00', 'Z'), 'value': '61749',
                'links': self.links(suspect)})
        return {'alerts': result}


# Stacks of the leaking program, the outermost function first: (functions, structure, phase, MiB long ago, MiB now).
STACKS = [
    (['main', 'Server::run()', 'Server::handle(Request const&)', 'AddUser(Session&)', 'std::_Hashtable<unsigned long, std::pair<unsigned long const, User> >::_M_insert'], 'user_cache', 'grow', 210, 1650),
    (['main', 'Server::run()', 'Server::handle(Request const&)', 'AddUser(Session&)', 'make_profile(User const&)'], 'user_cache', 'grow', 60, 420),
    (['main', 'Server::run()', 'Server::handle(Request const&)', 'render(Page const&)', 'Template::expand()'], 'pages', 'serve', 180, 190),
    (['main', 'Server::run()', 'Server::handle(Request const&)', 'render(Page const&)', HOSTILE_NAMES[0]], '', '', 20, 24),
    (['main', 'Server::run()', 'Journal::append(Entry)'], 'journal', 'serve', 90, 31),
    (['main', 'load_configuration()', 'parse(std::string_view)'], '', 'start', 44, 44),
    (['main', 'load_configuration()', 'inv\u202egpj.exe'], HOSTILE_NAMES[1], 'start', 12, 0),
]


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    """One field of a protocol buffer: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def heap_profile(column):
    """The pprof file of STACKS, of their column 3 (long ago) or 4 (now)."""
    strings = ['', 'inuse_objects', 'count', 'inuse_space', 'bytes', 'structure', 'phase', '/src/shop/server.cpp', 'operator new']
    def text(string):
        if string not in strings:
            strings.append(string)
        return strings.index(string)
    names = []
    body = field(1, field(1, 1) + field(2, 2)) + field(1, field(1, 3) + field(2, 4))
    for row in STACKS:
        functions, structure, phase = row[:3]
        if row[column] == 0:
            continue
        stack = [*functions, 'operator new']
        names += [name for name in stack if name not in names]
        locations = b''.join(varint(names.index(name) + 1) for name in reversed(stack))
        labels = b''.join(field(3, field(1, text(key)) + field(2, text(value))) for key, value in (('structure', structure), ('phase', phase)) if value)
        body += field(2, field(1, locations) + field(2, varint(row[column]) + varint(row[column] * MIB)) + labels)
    for index, name in enumerate(names, 1):
        body += field(4, field(1, index) + field(3, 0x1000 * index) + field(4, field(1, index) + field(2, 40 + index)))
        body += field(5, field(1, index) + field(2, text(name)) + field(4, text('/src/shop/server.cpp')))
    body += field(7, text('operator new'))
    return gzip.compress(body + b''.join(field(6, string.encode()) for string in strings))


class Handler(http.server.BaseHTTPRequestHandler):
    """Routes one request; the server holds the world and the prefix."""

    def log_message(self, *_):
        pass

    def answer(self, code, content_type, body, more=()):
        self.send_response(code)
        for name, value in [*HEADERS.items(), ('Content-Type', content_type), ('Content-Length', str(len(body))), *more]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, data, code=200):
        body = {'status': 'success', 'data': with_amounts(data)} if code == 200 else {
            'status': 'error', 'errorType': 'not_found', 'error': data}
        self.answer(code, 'application/json', json.dumps(body).encode(), [('Cache-Control', 'no-store')])

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if not url.path.startswith(self.server.prefix):
            self.answer(404, 'text/plain', b'outside the prefix\n')
            return
        path = url.path[len(self.server.prefix):]
        query = dict(urllib.parse.parse_qsl(url.query))
        if path == 'metrics':
            self.answer(200, 'text/plain; version=0.0.4', self.server.world.host_metrics().encode())
        elif path == 'debug/pprof/heap':
            self.profile(query.get('subject', '').startswith('process:4711:'), 4)
        elif path.startswith('api/v1/evidence/') and path.endswith('/heap.pb.gz'):
            self.profile(True, 3 if 'suspected' in path else 4)
        elif path.startswith('api/v1/'):
            self.api(urllib.parse.unquote(path[len('api/v1/'):]), query)
        else:
            self.asset(path or 'index.html')

    def profile(self, is_there, column):
        if is_there:
            self.answer(200, 'application/octet-stream', heap_profile(column), [('Cache-Control', 'no-store')])
        else:
            self.answer_json('no probe in this process', 404)

    def do_POST(self):
        self.change(lambda silences, query: silences.append({
            'id': f's{len(silences)}', 'state': 'active', 'comment': query.get('comment', ''), 'createdBy': query.get('created_by', ''),
            'matchers': [{'name': name, 'pattern': query[name]} for name in ('subject', 'group') if name in query],
            'startsAt': '2026-01-01T00:00:00Z', 'endsAt': '2099-01-01T00:00:00Z', 'until': query.get('until'), 'configured': False}))

    def do_DELETE(self):
        self.change(lambda silences, query: silences.remove(next(one for one in silences if one['id'] == query['id'])))

    def change(self, action):
        url = urllib.parse.urlsplit(self.path)
        if not url.path.endswith('api/v1/silences') or self.headers.get('X-Heapfloor') != '1':
            self.answer_json('changing requests need the header X-Heapfloor: 1', 403)
            return
        action(self.server.world.silences, dict(urllib.parse.parse_qsl(url.query)))
        self.answer_json({'id': 's'})

    def api(self, path, query):
        world = self.server.world
        kind, _, identifier = path.partition('/')
        if path == 'status':
            self.answer_json(world.status())
        elif path == 'subjects':
            self.answer_json(world.subjects(query))
        elif path == 'suspects':
            self.answer_json({'suspects': world.same_leaks + world.suspects})
        elif path == 'cgroups':
            self.answer_json(world.cgroups(query))
        elif path == 'ooms':
            self.answer_json(world.ooms())
        elif path == 'alerts':
            self.answer_json(world.alerts())
        elif path == 'config':
            self.answer_json(world.config())
        elif path == 'silences':
            self.answer_json({'silences': world.silences})
        elif kind == 'suspects':
            found = [suspect for suspect in world.suspects if suspect['id'] == identifier]
            self.answer_json({'suspect': found[0]} if found else 'no such suspect', 200 if found else 404)
        elif kind == 'series':
            series = world.series(identifier, query)
            self.answer_json(series or 'not watched', 200 if series else 404)
        else:
            self.answer_json('no such path', 404)

    def asset(self, path):
        file = (ASSETS / path).resolve()
        if not file.is_relative_to(ASSETS) or not file.is_file():
            self.answer(404, 'text/plain', b'not found\n')
            return
        types = {'.js': 'text/javascript; charset=utf-8', '.html': 'text/html; charset=utf-8',
                 '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.txt': 'text/plain; charset=utf-8'}
        body = file.read_bytes()
        content_type = types.get(file.suffix) or mimetypes.guess_type(file.name)[0]
        self.answer(200, content_type, body, [('Cache-Control', 'no-cache'), ('ETag', f'"{hashlib.sha256(body).hexdigest()[:16]}"')])


class Agent:
    """A server that can go away and come back on the same port."""

    def __init__(self, scene='leaks', prefix='/', port=0):
        self.scene = scene
        self.prefix = prefix
        self.port = port
        self.server = None

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}{self.prefix}'

    def start(self):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', self.port), Handler)
        self.server.daemon_threads = True
        self.server.prefix = self.prefix
        self.server.world = World(self.scene)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        return self

    def show(self, scene):
        self.scene = scene
        self.server.world = World(scene)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--scene', default='leaks')
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--prefix', default='/')
    arguments = parser.parse_args()
    agent = Agent(arguments.scene, arguments.prefix, arguments.port).start()
    print(agent.url, flush=True)
    for line in sys.stdin:
        command, _, scene = line.strip().partition(' ')
        {'show': lambda: agent.show(scene), 'stop': agent.stop, 'start': agent.start}[command]()
        print('ok', flush=True)
    if sys.stdin.isatty():
        threading.Event().wait()


if __name__ == '__main__':
    main()
