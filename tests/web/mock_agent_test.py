#!/usr/bin/env python3
"""What the stand-in of the agent answers is what agent/web/openapi.yaml says an agent answers, in every scene: so what
the page's tests prove holds before a real agent."""

import json
import pathlib
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request

import mock_agent

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'support'))
import openapi  # noqa: E402  pylint: disable=wrong-import-position

SCENES = ('learning', 'quiet', 'leaks', 'many', 'ailing', 'empty', 'servers', 'leaking servers')
LISTS = ('status', 'subjects', 'subjects?search=no-such-name', 'suspects', 'cgroups', 'cgroups?search=no-such-name',
         'ooms', 'alerts', 'silences', 'config')


class MockAgentTest(unittest.TestCase):
    description = openapi.Description()

    def ask(self, agent, path):
        """The status and the parsed body, after the body was found to be as described."""
        try:
            with urllib.request.urlopen(f'{agent.url}api/v1/{path}', timeout=20) as response:
                status, fields, body = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, fields, body = error.code, error.headers, error.read()
        decoded = urllib.parse.unquote(path.split('?')[0])
        self.description.check('GET', f'/api/v1/{decoded}', status, fields['Content-Type'], body)
        return status, json.loads(body)

    def test_every_answer_of_every_scene(self):
        for scene in SCENES:
            agent = mock_agent.Agent(scene).start()
            self.addCleanup(agent.stop)
            for path in LISTS:
                with self.subTest(scene=scene, path=path):
                    self.assertEqual(self.ask(agent, path)[0], 200)
            rows = self.ask(agent, 'subjects')[1]['data']['subjects']
            suspects = self.ask(agent, 'suspects')[1]['data']['suspects']
            for row in rows[:20] + suspects:
                for kind in ('series', 'suspects'):
                    path = f'{kind}/{urllib.parse.quote(row["id"], safe=":")}'
                    with self.subTest(scene=scene, path=path):
                        self.ask(agent, path)


if __name__ == '__main__':
    unittest.main(verbosity=2)
