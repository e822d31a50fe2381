-- Of a whole audience: members of whom no rule says anything any more. Slot: only.
select person from members final
prewhere site = {site:String} and audience in {audiences:Array(String)}/*only*/
where left_at = 0 and person not in (select person from judged)
