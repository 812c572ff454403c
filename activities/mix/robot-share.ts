/** So many episodes a robot always gives; a small fleet with uneven days is not thinned. */
export const leastRobotCap = 500;
/** Beyond that, so many times what the robot in the middle gives. */
const timesTheMedian = 4;

/**
 * SQL that keeps of a relation with `robot_id`, `episode_hash` and `episode_id` at most `leastRobotCap` episodes a robot, or four
 * times the (lower) median over robots where that is more: a robot that uploads a thousand times as much as the others is one
 * robot among them still. Which are kept is by hash, so it is the same at every training.
 */
export const robotShareSql = (relation: string): string =>
  `SELECT * EXCLUDE (robot_rank, robot_cap) FROM (
     SELECT r.*, row_number() OVER (PARTITION BY robot_id ORDER BY episode_hash, episode_id) AS robot_rank,
       (SELECT greatest(${leastRobotCap}, ${timesTheMedian} * quantile_disc(episodes, 0.5))
         FROM (SELECT count(*) AS episodes FROM ${relation} GROUP BY robot_id)) AS robot_cap
     FROM ${relation} AS r
   ) WHERE robot_rank <= robot_cap`;
