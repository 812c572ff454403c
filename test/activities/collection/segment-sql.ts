/** Rows of one sound wall-following episode of twenty frames as SQL, for files that no robot of ours would write. */
export const episodeSql = (robotId: string, frames = 20): string =>
  `SELECT '01KE6J5R00ABCDEFGHJKMNPQRS' AS episode_id, '${robotId}' AS robot_id, 'scitos-g5' AS robot_type,
    1::INTEGER AS robot_type_version, 'site-1' AS site, 'wall-following' AS task, NULL::VARCHAR AS policy_version,
    1767600000000000 AS started_at, (${frames} * 111.111)::BIGINT AS duration_ms, 'success' AS outcome,
    NULL::VARCHAR AS failure_reason, false AS intervened, NULL::DOUBLE AS latency_p50_ms, NULL::DOUBLE AS latency_p95_ms,
    ${frames}::INTEGER AS frame_count, NULL::VARCHAR AS media, f::INTEGER AS frame_index,
    1767600000000000 + f * 111111 AS timestamp, list_transform(range(24), lambda s: 1 + (f * 7 + s) % 11 / 10)::FLOAT[] AS observation,
    [0]::FLOAT[] AS "action", NULL::FLOAT[] AS expert_action, false AS is_correction
  FROM range(${frames}) AS t(f)`;
