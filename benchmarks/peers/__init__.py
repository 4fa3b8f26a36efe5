"""One file a package: ``PACKAGES``, whose versions are reported, and ``PREPARE``, from kinds of cases to tasks.

Only a worker imports these modules: none of them is imported from here.
"""
