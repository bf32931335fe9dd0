"""Dagster on top: declarations become assets, checks, jobs, sensors, schedules and resources.

    components, declarations, mistakes, crosscheck   from YAML to declarations, every mistake told
    build                                            from declarations to definitions
    assets, klaviyo_list, checks                     what is made, and what is told about it
    jobs, automation, every_refresh, on_cron         what runs together, and when
    sharing, shared, handover                        one job and one sensor for all, where there are many
    resources, storage                               accounts, and where frames lie
    keys, metadata                                   names, and what Dagster's page shows

Nothing below this room knows Dagster. Each asset calls one function below and turns what came of it into metadata;
limits and guards hold down there, however an asset is started.
"""
