import type { ComponentChild } from 'preact';

import type { PageName } from './route.ts';
import {
  AuditScreen,
  CycleScreen,
  DataScreen,
  EpisodeScreen,
  EpisodesScreen,
  FleetScreen,
  IncidentsScreen,
  LabelsScreen,
  MetricsScreen,
  ModelsScreen,
  RobotScreen,
  TasksScreen,
  type Screen,
} from './screens.ts';
import { TrialScreen } from './trial-screen.ts';

/** Every page: what it is called, and what draws it. */
export const screens: Readonly<Record<PageName, readonly [title: string, screen: (screen: Screen) => ComponentChild]>> =
  {
    fleet: ['Fleet', FleetScreen],
    incidents: ['Incidents', IncidentsScreen],
    trial: ['Trial', TrialScreen],
    cycle: ['Cycle', CycleScreen],
    models: ['Models', ModelsScreen],
    data: ['Data', DataScreen],
    labels: ['Labels', LabelsScreen],
    tasks: ['Tasks', TasksScreen],
    metrics: ['Metrics', MetricsScreen],
    audit: ['Audit', AuditScreen],
    robot: ['Robot', RobotScreen],
    episodes: ['Episodes', EpisodesScreen],
    episode: ['Episode', EpisodeScreen],
  };
export const inMenu: readonly PageName[] = [
  'fleet',
  'incidents',
  'trial',
  'cycle',
  'models',
  'data',
  'labels',
  'tasks',
  'metrics',
  'audit',
];
